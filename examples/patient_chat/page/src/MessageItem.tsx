import { useEffect, useState } from "react";
import type { Api } from "./api";
import { Icon } from "./parts";
import type { Message, Status } from "./types";

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const WORDS: Record<Status, string> = { sent: "Sent", delivered: "Delivered", read: "Read" };

interface Props {
  api: Api;
  message: Message;
  mine: boolean;
  status: Status;
  day: string | null;
  onLoad(): void;
  onProblem(text: string): void;
}

export function MessageItem({ api, message, mine, status, day, onLoad, onProblem }: Props) {
  const { content, messageType, fileUrl, fileName, createdAt } = message;
  return (
    <li className={mine ? "mine" : "theirs"}>
      {day && <span className="day">{day}</span>}
      <div className="bubble">
        {messageType === "image" && fileUrl && <Picture api={api} url={fileUrl} name={fileName ?? ""} onLoad={onLoad} />}
        {messageType === "file" && fileUrl && (
          <Document api={api} url={fileUrl} name={fileName ?? "Document"} onProblem={onProblem} />
        )}
        {content && <p dir="auto">{content}</p>}
        <span className="meta">
          <time dateTime={createdAt}>{clock.format(new Date(createdAt))}</time>
          {mine && (
            <span className="ticks" data-status={status} title={WORDS[status]}>
              <Icon name={status === "sent" ? "sent" : "twice"} label={WORDS[status]} />
            </span>
          )}
        </span>
      </div>
    </li>
  );
}

function Picture({ api, url, name, onLoad }: { api: Api; url: string; name: string; onLoad(): void }) {
  const [source, setSource] = useState<string | null>(null);
  useEffect(() => {
    let made: string | null = null;
    let gone = false;
    api.file(url).then(
      (blob) => {
        if (!gone) setSource((made = URL.createObjectURL(blob)));
      },
      () => {},
    );
    return () => {
      gone = true;
      if (made) URL.revokeObjectURL(made);
    };
  }, [api, url]);
  return source ? <img src={source} alt={name} onLoad={onLoad} /> : <span className="picture" aria-label={name} />;
}

function Document({ api, url, name, onProblem }: { api: Api; url: string; name: string; onProblem(text: string): void }) {
  async function save() {
    try {
      const source = URL.createObjectURL(await api.file(url));
      const link = document.createElement("a");
      link.href = source;
      link.download = name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(source));
    } catch (error) {
      onProblem((error as Error).message);
    }
  }
  return (
    <button className="document" onClick={() => void save()}>
      <Icon name="file" />
      <span>{name}</span>
    </button>
  );
}
