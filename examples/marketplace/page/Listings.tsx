import { type FormEvent, useEffect, useState } from "react";
import { Tile } from "./parts/Tile";
import { api } from "./lib/api";
import { price } from "./lib/words";
import type { Account, Conversation, Listing, Page } from "./types";

interface Props {
  me: Account;
  onConversation: (id: number) => void;
}

export function Listings({ me, onConversation }: Props) {
  const [listings, setListings] = useState<Listing[] | null>(null);
  const [more, setMore] = useState<number | null>(null);
  const [search, setSearch] = useState("");
  const [found, setFound] = useState("");
  const [trouble, setTrouble] = useState("");
  const [asked, setAsked] = useState<Listing | null>(null);

  async function load(q: string, before: number | null) {
    const query = new URLSearchParams({ q, ...(before ? { before: String(before) } : {}) });
    try {
      const page = await api.get<Page<Listing>>(`/api/listings?${query}`);
      setListings((shown) => [...((before && shown) || []), ...page.data]);
      setMore(page.next_before);
      setFound(q);
      setTrouble("");
    } catch (error) {
      setTrouble(`What is for sale cannot be shown: ${(error as Error).message}`);
    }
  }

  useEffect(() => {
    void load("", null);
  }, []);

  function find(event: FormEvent) {
    event.preventDefault();
    void load(search, null);
  }

  return (
    <main className="browse">
      <form className="search" role="search" onSubmit={find}>
        <input type="search" aria-label="Search listings" placeholder="Search" value={search} onChange={(e) => setSearch(e.target.value)} />
        <button className="quiet">Search</button>
      </form>
      {trouble && <p className="notice" role="alert">{trouble}</p>}
      {!trouble && listings?.length === 0 && <p className="nothing">{found ? "Nothing here. Try another word." : "Nothing is for sale yet."}</p>}
      <ul className="cards">
        {listings?.map((listing) => (
          <li key={listing.id}>
            <Tile category={listing.category} id={listing.id} />
            <h2>{listing.title}</h2>
            <p className="price">{price(listing.price_cents)}</p>
            <p className="about">{listing.description}</p>
            <p className="seller">{listing.seller.id === me.id ? "Yours" : `from ${listing.seller.name}`}</p>
            {listing.seller.id !== me.id && me.role !== "admin" && (
              <button type="button" className="primary" onClick={() => setAsked(listing)}>Ask the seller</button>
            )}
          </li>
        ))}
      </ul>
      {more && <button type="button" className="quiet more" onClick={() => load(found, more)}>More</button>}
      {asked && <Ask listing={asked} onClose={() => setAsked(null)} onConversation={onConversation} />}
    </main>
  );
}

function Ask({ listing, onClose, onConversation }: { listing: Listing; onClose: () => void; onConversation: (id: number) => void }) {
  const [content, setContent] = useState("");
  const [trouble, setTrouble] = useState("");

  async function send(event: FormEvent) {
    event.preventDefault();
    try {
      const conversation = await api.post<Conversation>("/api/conversations", { listing_id: listing.id, content });
      onConversation(conversation.id);
    } catch (error) {
      setTrouble((error as Error).message);
    }
  }

  return (
    <dialog ref={(dialog) => { if (dialog && !dialog.open) dialog.showModal(); }} onClose={onClose} aria-labelledby="ask-title">
      <form onSubmit={send}>
        <h2 id="ask-title">{listing.title}</h2>
        <label>
          To {listing.seller.name}
          <textarea required maxLength={2000} rows={4} value={content} onChange={(e) => setContent(e.target.value)} />
        </label>
        {trouble && <p className="notice" role="alert">{trouble}</p>}
        <div className="actions">
          <button type="button" className="quiet" onClick={onClose}>Cancel</button>
          <button className="primary">Send</button>
        </div>
      </form>
    </dialog>
  );
}
