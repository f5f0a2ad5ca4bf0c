// Who is at this window: a token in its session storage, so that two windows can be two people.
import { useCallback, useEffect, useState } from "react";
import { Api, ENDED, hasEnded, type SignedIn } from "./api";
import { Chat } from "./Chat";
import { SignIn } from "./SignIn";
import type { Me } from "./types";

const TOKEN = "jwt_token";

export function App() {
  const [token, setToken] = useState(() => sessionStorage.getItem(TOKEN));
  const [me, setMe] = useState<Me | null>(null);
  const [notice, setNotice] = useState("");

  const leave = useCallback((why = "") => {
    sessionStorage.removeItem(TOKEN);
    setToken(null);
    setMe(null);
    setNotice(why);
  }, []);

  useEffect(() => {
    if (!token || me) return;
    new Api(token).me().then(setMe, (error: Error) => {
      if (hasEnded(error)) leave(ENDED);
      else setNotice(error.message);
    });
  }, [token, me, leave]);

  function enter(signedIn: SignedIn) {
    sessionStorage.setItem(TOKEN, signedIn.token);
    setNotice("");
    setMe(signedIn.user);
    setToken(signedIn.token);
  }

  if (!token) return <SignIn notice={notice} onEnter={enter} />;
  if (!me) return notice ? <Unreachable why={notice} /> : null;
  return <Chat key={token} token={token} me={me} onLeave={leave} />;
}

function Unreachable({ why }: { why: string }) {
  return (
    <main className="sign-in">
      <section className="card">
        <h1>Not connected</h1>
        <p role="alert">{why}</p>
        <button className="primary" onClick={() => location.reload()}>
          Try again
        </button>
      </section>
    </main>
  );
}
