import { useCallback, useEffect, useState } from "react";
import { Dashboard } from "./Dashboard";
import { Listings } from "./Listings";
import { MessageInbox } from "./MessageInbox";
import { SignIn } from "./SignIn";
import { api, apiToken, keepToken, onSessionEnd, onTokenChange } from "./lib/api";
import { type Status, useConversations, useEcho, useOnline } from "./lib/live";
import type { Account, Session, Start } from "./types";

const STATUS: Record<Status, string> = {
  connected: "Live",
  connecting: "Connecting…",
  reconnecting: "Reconnecting…",
  disconnected: "Offline",
  failed: "Offline, trying again…",
  off: "Live updates are off",
};

// Where one is, in the address: #/messages/3
function useRoute(): [string, (to: string) => void] {
  const [route, setRoute] = useState(location.hash.slice(1));
  useEffect(() => {
    const changed = () => setRoute(location.hash.slice(1));
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return [route, (to) => (location.hash = to)];
}

export function App() {
  const [start, setStart] = useState<Start | null>(null);
  const [me, setMe] = useState<Account | null>(null);
  const [known, setKnown] = useState(false);
  const [notice, setNotice] = useState("");
  const [route, go] = useRoute();

  const leave = useCallback((why: string) => {
    keepToken(null);
    setMe(null);
    setNotice(why);
  }, []);

  useEffect(() => {
    onSessionEnd(leave);
    onTokenChange(() => location.reload());
    const whoAmI = apiToken() ? api.get<Account>("/api/user").then(setMe) : Promise.resolve();
    whoAmI.catch(() => {}).finally(() => setKnown(true));
    api.get<Start>("/api/start").then(setStart, () => setNotice("The marketplace does not answer: reload the page."));
  }, [leave]);

  const { echo, status } = useEcho(start?.live ?? null, me);
  const { conversations, reload } = useConversations(echo, me, status);
  const online = useOnline(echo, me, conversations);
  const unread = (conversations ?? []).reduce((sum, { unread }) => sum + unread, 0);

  useEffect(() => {
    document.title = `${unread ? `(${unread}) ` : ""}Envisage`;
  }, [unread]);

  async function signedIn(session: Session) {
    keepToken(session);
    setNotice("");
    setMe(session.user);
  }

  function signOut() {
    // asked with the token, and not waited for: the server ends the connection, and by then this page has left
    api.post("/api/logout").catch(() => {});
    leave("");
    go("");
  }

  if (!known || !start) return notice ? <p className="notice">{notice}</p> : null;
  if (!me) return <SignIn accounts={start.accounts} notice={notice} onSignedIn={signedIn} />;

  const dashboard = location.pathname === "/laravel-websockets" || route === "/dashboard";
  const inbox = route.startsWith("/messages");
  return (
    <div className="shell">
      <header className="top">
        <a className="brand" href="/#">Envisage</a>
        <nav aria-label="Main">
          <a href="/#/" aria-current={!inbox && !dashboard ? "page" : undefined}>Browse</a>
          <a href="/#/messages" aria-current={inbox ? "page" : undefined}>
            Messages {unread > 0 && <span className="badge" id="unread">{unread}</span>}
          </a>
          {me.role === "admin" && <a href="/laravel-websockets" aria-current={dashboard ? "page" : undefined}>Dashboard</a>}
        </nav>
        <p id="status" data-status={status} role="status">{STATUS[status]}</p>
        <p className="me" id="me">{me.name}</p>
        <button type="button" className="quiet" onClick={signOut}>Sign out</button>
      </header>
      {dashboard ? (
        <Dashboard me={me} />
      ) : inbox ? (
        <MessageInbox
          me={me}
          echo={echo}
          status={status}
          conversations={conversations}
          online={online}
          reload={reload}
          selectedId={Number(route.split("/")[2]) || null}
          onSelect={(id) => go(id ? `/messages/${id}` : "/messages")}
        />
      ) : (
        <Listings me={me} onConversation={(id) => reload().then(() => go(`/messages/${id}`))} />
      )}
    </div>
  );
}
