import { type FormEvent, type KeyboardEvent, useState } from "react";

interface Props {
  onSend: (content: string) => Promise<void>;
  onTyping: () => void;
}

export function Composer({ onSend, onTyping }: Props) {
  const [content, setContent] = useState("");
  const [trouble, setTrouble] = useState("");

  async function submit(event: FormEvent) {
    event.preventDefault();
    const text = content.trim();
    if (!text) return;
    setContent("");
    setTrouble("");
    try {
      await onSend(text);
    } catch (error) {
      // what could not be sent is written still, unless something else is by now
      setContent((now) => now || text);
      setTrouble(`Not sent: ${(error as Error).message}`);
    }
  }

  function sendByEnter(event: KeyboardEvent<HTMLTextAreaElement>) {
    // not the Enter that ends the composition of, say, a Japanese word
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    event.currentTarget.form?.requestSubmit();
  }

  return (
    <form className="composer" onSubmit={submit}>
      {trouble && <p className="notice" role="alert">{trouble}</p>}
      <textarea
        id="text"
        aria-label="Message"
        placeholder="Write a message"
        rows={1}
        maxLength={2000}
        value={content}
        onKeyDown={sendByEnter}
        onChange={(event) => {
          setContent(event.target.value);
          if (event.target.value.trim()) onTyping();
        }}
      />
      <button className="primary">Send</button>
    </form>
  );
}
