import { useCallback, useEffect, useState } from "react";

import { SignIn } from "@/SignIn";
import { Workspace } from "@/Workspace";
import { ApiError, api, type Session } from "@/lib/api";
import { disconnect } from "@/lib/websocket";

export function App() {
  const [session, setSession] = useState<Session | null>(null);
  const [trouble, setTrouble] = useState("");

  const report = useCallback((error: unknown) => {
    if (error instanceof ApiError && error.status === 401) {
      // signed out elsewhere, or for too long
      disconnect();
      void api.session().then(setSession);
      return;
    }
    setTrouble(error instanceof ApiError ? error.message : "The server does not answer.");
  }, []);

  useEffect(() => {
    api.session().then(setSession, report);
  }, [report]);
  useEffect(() => {
    if (!trouble) return;
    const timer = window.setTimeout(setTrouble, 6_000, "");
    return () => window.clearTimeout(timer);
  }, [trouble]);

  async function signOut() {
    const ended = await api.signOut();
    disconnect();
    setSession(ended);
  }

  return (
    <>
      {session?.user && <Workspace me={session.user} report={report} onSignOut={() => void signOut().catch(report)} />}
      {session && !session.user && <SignIn accounts={session.accounts} onSignedIn={setSession} />}
      {trouble && (
        <p className="trouble" role="alert">
          {trouble}
        </p>
      )}
    </>
  );
}
