import { useState, type FormEvent } from "react";

import { Avatar, Logo } from "@/parts";
import { api, type Session } from "@/lib/api";

interface Props {
  accounts: Session["accounts"];
  onSignedIn: (session: Session) => void;
}

export function SignIn({ accounts, onSignedIn }: Props) {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);

  async function submit(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    try {
      onSignedIn(await api.signIn(email, password));
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
      setBusy(false);
    }
  }

  return (
    <main className="sign-in">
      <form onSubmit={(event) => void submit(event)}>
        <Logo />
        <h1>Team rooms</h1>
        <label>
          Email
          <input type="email" autoComplete="username" required value={email} onChange={(e) => setEmail(e.target.value)} />
        </label>
        <label>
          Password
          <input
            type="password"
            autoComplete="current-password"
            required
            value={password}
            onChange={(e) => setPassword(e.target.value)}
          />
        </label>
        {problem && (
          <p className="problem" role="alert">
            {problem}
          </p>
        )}
        <button className="primary" disabled={busy}>
          Sign in
        </button>
        {accounts.length > 0 && (
          <fieldset>
            <legend>Accounts of this demo</legend>
            {accounts.map((account) => (
              <button
                key={account.email}
                type="button"
                onClick={() => {
                  setEmail(account.email);
                  setPassword(account.password);
                }}
              >
                <Avatar name={account.name} />
                {account.name}
              </button>
            ))}
            <p>
              The password of all is <code>{accounts[0].password}</code>
            </p>
          </fieldset>
        )}
      </form>
    </main>
  );
}
