// Says whether events arrive, and lets one try again.
import { useSyncExternalStore } from "react";

import { getConnectionStatus, onConnectionStatus, reconnect } from "@/lib/websocket";

const WORDS = { connected: "Connected", connecting: "Connecting…", disconnected: "Offline" };

export function useConnectionStatus() {
  return useSyncExternalStore(onConnectionStatus, getConnectionStatus);
}

export function ConnectionStatus() {
  const status = useConnectionStatus();
  return (
    <p className="connection" data-status={status} role="status">
      {WORDS[status]}
    </p>
  );
}

/** What stands above the messages while events do not arrive. */
export function ConnectionLost() {
  const status = useConnectionStatus();
  if (status === "connected") return null;
  return (
    <p className="lost">
      {status === "connecting" ? "Connecting…" : "You are offline. What others write appears when you are back."}
      {status === "disconnected" && (
        <button type="button" onClick={reconnect}>
          Try again
        </button>
      )}
    </p>
  );
}
