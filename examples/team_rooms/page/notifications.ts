// Notifications of the browser, for messages that come while the page is not looked at.
import { useState } from "react";

import type { NewMessage } from "@/lib/events";

type Permission = NotificationPermission | "unsupported";

const permissionNow = (): Permission => ("Notification" in window ? Notification.permission : "unsupported");

export function useNotificationPermission(): [Permission, () => void] {
  const [permission, setPermission] = useState(permissionNow);
  return [permission, () => void Notification.requestPermission().then(setPermission)];
}

export function notify(roomName: string, { sender_name: sender, message, type }: NewMessage): void {
  if (document.hasFocus() || permissionNow() !== "granted" || type === "system") return;
  try {
    new Notification(`${sender} in ${roomName}`, { body: type === "image" ? "A picture" : message, tag: roomName });
  } catch {
    // Chrome on Android leaves notifications to service workers
  }
}
