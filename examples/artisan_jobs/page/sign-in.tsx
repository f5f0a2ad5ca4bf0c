import { useState } from "react";
import { post } from "./api.ts";
import { Form } from "./parts.tsx";
import type { Account } from "./types.ts";

export function SignIn({ accounts, onDone }: { accounts: Account[]; onDone: () => void }) {
  const [problem, setProblem] = useState("");

  async function signIn({ email, password }: Record<string, string>): Promise<boolean> {
    try {
      await post("session", { email, password });
      onDone();
      return true;
    } catch (error) {
      setProblem((error as Error).message);
      return false;
    }
  }

  return (
    <main className="sign-in">
      <section className="panel">
        <h1>MySharpJob</h1>
        <p className="quiet-text">Good hands for every job.</p>
        <Form
          button="Sign in"
          onSend={signIn}
          fields={
            <>
              <label>
                Email
                <input name="email" type="email" autoComplete="username" required />
              </label>
              <label>
                Password
                <input name="password" type="password" autoComplete="current-password" required />
              </label>
            </>
          }
        />
        {problem && (
          <p className="problem" role="alert">
            {problem}
          </p>
        )}
      </section>
      {accounts.length > 0 && (
        <section className="panel demo">
          <h2>This is a demo: be one of these</h2>
          <ul>
            {accounts.map((account) => (
              <li key={account.email}>
                <button type="button" className="quiet" onClick={() => void signIn({ ...account })}>
                  {account.name} <small>{account.role}</small>
                </button>
              </li>
            ))}
          </ul>
          <p className="quiet-text">
            Everybody’s password is <code>{accounts[0]!.password}</code>. A private window is a second person.
          </p>
        </section>
      )}
    </main>
  );
}
