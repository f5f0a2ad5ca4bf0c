import { time } from "../lib/words";
import type { Account, Conversation } from "../types";
import { Tile } from "./Tile";

interface Props {
  me: Account;
  conversations: Conversation[] | null;
  online: Set<number>;
  selectedId: number | null;
  onSelect: (id: number) => void;
}

export const otherIn = (conversation: Conversation, me: Account) =>
  conversation.buyer.id === me.id ? conversation.seller : conversation.buyer;

export function ConversationList({ me, conversations, online, selectedId, onSelect }: Props) {
  return (
    <nav className="conversations" aria-label="Conversations">
      {conversations?.length === 0 && (
        <p className="nothing">No conversations yet. {me.role === "seller" ? "Buyers will write to you." : "Ask a seller."}</p>
      )}
      <ul>
        {conversations?.map((conversation) => {
          const other = otherIn(conversation, me);
          const last = conversation.last_message;
          return (
            <li key={conversation.id} data-id={conversation.id}>
              <button
                type="button"
                aria-current={conversation.id === selectedId}
                onClick={() => onSelect(conversation.id)}
              >
                <span className="pictured">
                  <Tile id={conversation.listing.id} category={conversation.listing.category} small />
                  <i className={online.has(conversation.id) ? "dot online" : "dot"} />
                </span>
                <span className="who">
                  <b>{other.name}{online.has(conversation.id) && <span className="hidden">, online</span>}</b>
                  <span className="about">{conversation.listing.title}</span>
                  {last && <span className="preview">{last.sender_id === me.id ? "You: " : ""}{last.content}</span>}
                </span>
                <span className="when">
                  {last && <time dateTime={last.created_at}>{time(last.created_at)}</time>}
                  {conversation.unread > 0 && <span className="badge">{conversation.unread}</span>}
                </span>
              </button>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}
