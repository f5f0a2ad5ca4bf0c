import { type FormEvent, useEffect, useState } from "react";
import { demoAccounts, type DemoAccounts, enter, type SignedIn } from "./api";
import { Avatar, Logo } from "./parts";

interface Props {
  notice: string;
  onEnter(signedIn: SignedIn): void;
}

export function SignIn({ notice, onEnter }: Props) {
  const [registering, setRegistering] = useState(false);
  const [problem, setProblem] = useState(notice);
  const [busy, setBusy] = useState(false);
  const [demo, setDemo] = useState<DemoAccounts | null>(null);

  useEffect(() => {
    demoAccounts().then(setDemo, () => {});
  }, []);

  async function send(fields: Record<string, string>) {
    setBusy(true);
    try {
      onEnter(await enter(registering ? "register" : "login", fields));
    } catch (error) {
      setProblem((error as Error).message);
      setBusy(false);
    }
  }

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    void send(Object.fromEntries(new FormData(event.currentTarget)) as Record<string, string>);
  }

  return (
    <main className="sign-in">
      <section className="card">
        <Logo />
        <h1>{registering ? "Register as a patient" : "Patient chat"}</h1>
        <p className="quiet">
          {registering ? "Your practice then connects you with your doctor." : "Write to your doctor, or to your patients."}
        </p>
        <form onSubmit={submit}>
          {registering && <Field label="Full name" name="fullname" autoComplete="name" maxLength={100} />}
          <Field label="Email address" name="email" type="email" autoComplete="username" />
          <Field
            label="Password"
            name="password"
            type="password"
            autoComplete={registering ? "new-password" : "current-password"}
            minLength={registering ? 10 : undefined}
          />
          <p className="problem" role="alert">
            {problem}
          </p>
          <button className="primary" disabled={busy}>
            {registering ? "Register" : "Sign in"}
          </button>
        </form>
        <button
          className="link"
          onClick={() => {
            setRegistering(!registering);
            setProblem("");
          }}
        >
          {registering ? "I have an account" : "I am a new patient"}
        </button>
      </section>
      {demo && !registering && (
        <section className="card demo" aria-label="Accounts of the demo">
          <h2>The demo's people</h2>
          <p className="quiet">
            Open a second window and be someone else there. Their password is <code>{demo.password}</code>.
          </p>
          <ul>
            {demo.accounts.map(({ fullname, email, role }) => (
              <li key={email}>
                <button disabled={busy} onClick={() => void send({ email, password: demo.password })}>
                  <Avatar name={fullname} />
                  <span className="who">
                    <b>{fullname}</b>
                    <span className="quiet">
                      {role}, {email}
                    </span>
                  </span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
    </main>
  );
}

function Field({ label, ...input }: { label: string; name: string } & React.ComponentProps<"input">) {
  return (
    <label>
      {label}
      <input required {...input} />
    </label>
  );
}
