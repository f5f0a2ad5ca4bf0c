import { useRef, useState, type ClipboardEvent, type FormEvent, type KeyboardEvent } from "react";

import { Icon, IconButton } from "@/parts";

const ACCEPTED = "image/png,image/jpeg,image/gif,image/webp,application/pdf,text/plain";
// The server drops what comes more often.
const TYPING_EVERY = 2_000;

interface Props {
  roomName: string;
  onSend: (text: string) => Promise<void>;
  onUpload: (file: File) => Promise<void>;
  onTyping: () => void;
  report: (error: unknown) => void;
}

export function Composer({ roomName, onSend, onUpload, onTyping, report }: Props) {
  const [text, setText] = useState("");
  const [isUploading, setUploading] = useState(false);
  const saidTyping = useRef(-Infinity);
  const chooser = useRef<HTMLInputElement>(null);

  function submit(event?: FormEvent) {
    event?.preventDefault();
    const written = text.trim();
    if (!written) return;
    setText("");
    saidTyping.current = -Infinity;
    onSend(written).catch((error: unknown) => {
      // not lost: it can be sent again
      setText((now) => now || written);
      report(error);
    });
  }

  function upload(file: File | undefined) {
    if (!file) return;
    setUploading(true);
    onUpload(file)
      .catch(report)
      .finally(() => setUploading(false));
  }

  function type(now: string) {
    setText(now);
    if (!now.trim() || performance.now() - saidTyping.current < TYPING_EVERY) return;
    saidTyping.current = performance.now();
    onTyping();
  }

  function keyDown(event: KeyboardEvent) {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    submit();
  }

  function paste(event: ClipboardEvent) {
    const [file] = event.clipboardData.files;
    if (!file) return;
    event.preventDefault();
    upload(file);
  }

  return (
    <form className="composer" onSubmit={submit}>
      <IconButton
        icon="attach"
        label={isUploading ? "Uploading…" : "Share a file"}
        disabled={isUploading}
        onClick={() => chooser.current!.click()}
      />
      <input
        ref={chooser}
        type="file"
        hidden
        aria-label="File to share"
        accept={ACCEPTED}
        onChange={(event) => {
          upload(event.target.files?.[0]);
          event.target.value = "";
        }}
      />
      <textarea
        rows={1}
        maxLength={2000}
        placeholder={`Write to ${roomName}`}
        aria-label="Message"
        value={text}
        onChange={(event) => type(event.target.value)}
        onKeyDown={keyDown}
        onPaste={paste}
      />
      <button className="primary send" aria-label="Send" title="Send">
        <Icon name="send" />
      </button>
    </form>
  );
}
