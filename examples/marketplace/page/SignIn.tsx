import { type FormEvent, useState } from "react";
import { api } from "./lib/api";
import type { DemoAccount, Session } from "./types";

interface Props {
  accounts: DemoAccount[];
  notice: string;
  onSignedIn: (session: Session) => void;
}

export function SignIn({ accounts, notice, onSignedIn }: Props) {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [trouble, setTrouble] = useState("");
  const [busy, setBusy] = useState(false);

  async function submit(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    try {
      onSignedIn(await api.post<Session>("/api/login", { email, password }));
    } catch (error) {
      setTrouble((error as Error).message);
      setBusy(false);
    }
  }

  return (
    <main className="sign-in">
      <h1>Envisage</h1>
      <p className="lead">Things with a past, from people you can ask.</p>
      <form onSubmit={submit}>
        {(trouble || notice) && <p className="notice" role="alert" id="notice">{trouble || notice}</p>}
        <label>
          Email
          <input type="email" name="email" autoComplete="username" required value={email} onChange={(e) => setEmail(e.target.value)} />
        </label>
        <label>
          Password
          <input
            type="password"
            name="password"
            autoComplete="current-password"
            required
            value={password}
            onChange={(e) => setPassword(e.target.value)}
          />
        </label>
        <button className="primary" disabled={busy}>Sign in</button>
      </form>
      {accounts.length > 0 && (
        <section className="accounts" aria-label="Accounts of the demo">
          <p>This is a demo. Its people, and their password <code>{accounts[0]!.password}</code>:</p>
          <ul>
            {accounts.map((account) => (
              <li key={account.email}>
                <button
                  type="button"
                  onClick={() => {
                    setEmail(account.email);
                    setPassword(account.password);
                  }}
                >
                  <b>{account.name}</b> <span>{account.role}</span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
    </main>
  );
}
