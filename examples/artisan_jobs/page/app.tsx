// Who is here: signs people in, and gives them their desk.
import { useCallback, useEffect, useState } from "react";
import { get, post } from "./api.ts";
import { Desk } from "./desk.tsx";
import { connect, type Live } from "./echo.ts";
import { SignIn } from "./sign-in.tsx";
import type { Session } from "./types.ts";

export function App() {
  const [session, setSession] = useState<Session | null>(null);
  const [echo, setEcho] = useState<Live | null>(null);

  const begin = useCallback(() => {
    get<Session>("session").then(setSession, () => setSession({ user: null, echo: null, accounts: [] }));
  }, []);
  useEffect(begin, [begin]);

  const userId = session?.user?.id;
  useEffect(() => {
    if (!userId || !session?.echo) return;
    const live = connect(session.echo);
    setEcho(live);
    return () => {
      setEcho(null);
      // pusher-js sends a little later what the components, leaving their channels, have just said
      setTimeout(() => live.disconnect());
    };
    // One connection for each person who signs in.
  }, [userId]);

  if (!session) return null;
  if (!session.user) return <SignIn accounts={session.accounts} onDone={begin} />;
  if (!session.echo) return <p className="notice">No service carries events: set BROADCAST_CONNECTION=pusher.</p>;
  if (!echo) return null;
  const leave = () => void post("logout").finally(begin);
  return <Desk key={userId} me={session.user} echo={echo} onLeave={leave} onChanged={begin} />;
}
