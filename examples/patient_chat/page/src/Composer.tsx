import { type ChangeEvent, type FormEvent, type KeyboardEvent, useEffect, useRef, useState } from "react";
import type { Api } from "./api";
import type { Person } from "./Chat";
import { Icon } from "./parts";
import type { useChat } from "./useChat";

interface Props {
  api: Api;
  other: Person;
  chat: ReturnType<typeof useChat>;
  onProblem(text: string): void;
}

export function Composer({ api, other, chat, onProblem }: Props) {
  const { socket, sendMessage } = chat;
  const [text, setText] = useState("");
  const [uploading, setUploading] = useState(false);
  const typingTimeout = useRef<number | undefined>(undefined);
  const receiverId = other._id;

  // The guide's handleTyping(); the server tells the other once a second, however often it hears this.
  function handleTyping() {
    socket?.emit("typing_start", { receiverId });
    clearTimeout(typingTimeout.current);
    typingTimeout.current = window.setTimeout(stopTyping, 1_000);
  }

  function stopTyping() {
    if (typingTimeout.current === undefined) return;
    clearTimeout(typingTimeout.current);
    typingTimeout.current = undefined;
    socket?.emit("typing_stop", { receiverId });
  }

  const stop = useRef(stopTyping);
  stop.current = stopTyping;
  useEffect(() => () => stop.current(), []);

  async function submit(event: FormEvent) {
    event.preventDefault();
    const content = text.trim();
    if (!content) return;
    setText("");
    stopTyping();
    // What could not be sent is written still, unless something else is by now.
    if (!(await sendMessage(receiverId, content))) setText((now) => now || content);
  }

  function keyDown(event: KeyboardEvent<HTMLTextAreaElement>) {
    // Not the Enter that ends the composition of, say, a Japanese word.
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    event.currentTarget.form?.requestSubmit();
  }

  async function attach(event: ChangeEvent<HTMLInputElement>) {
    const input = event.currentTarget;
    const file = input.files?.[0];
    if (!file) return;
    setUploading(true);
    try {
      const { fileUrl, fileName, messageType } = await api.upload(file);
      await sendMessage(receiverId, "", { fileUrl, fileName, messageType });
    } catch (error) {
      onProblem((error as Error).message);
    } finally {
      setUploading(false);
      input.value = "";
    }
  }

  return (
    <form className="composer" onSubmit={(event) => void submit(event)}>
      <label className="icon" title="Attach a PDF document or an image" aria-busy={uploading}>
        <input
          type="file"
          className="hidden"
          accept="application/pdf,image/png,image/jpeg,image/gif,image/webp"
          disabled={uploading}
          onChange={(event) => void attach(event)}
        />
        <Icon name="attach" label="Attach a PDF document or an image" />
      </label>
      <textarea
        rows={1}
        maxLength={4000}
        autoComplete="off"
        aria-label="Message"
        placeholder={`Write to ${other.fullname}`}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          if (event.target.value.trim()) handleTyping();
          else stopTyping();
        }}
        onKeyDown={keyDown}
      />
      <button className="send" title="Send" disabled={!text.trim()}>
        <Icon name="send" label="Send" />
      </button>
    </form>
  );
}
