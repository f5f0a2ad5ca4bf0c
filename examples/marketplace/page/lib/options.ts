// What Laravel Echo connects with: what the build was told, in the guide's own variables, or else what the server says.
import type { LiveOptions } from "../types";

export interface BuildVariables {
  NEXT_PUBLIC_API_URL?: string;
  NEXT_PUBLIC_PUSHER_APP_KEY?: string;
  NEXT_PUBLIC_PUSHER_APP_CLUSTER?: string;
  NEXT_PUBLIC_PUSHER_PORT?: string;
}

export function echoOptions(live: LiveOptions, env: BuildVariables, token: string, hostname: string) {
  const endpoints = `${env.NEXT_PUBLIC_API_URL ?? ""}/broadcasting`;
  const headers = { Authorization: `Bearer ${token}` };
  return {
    ...(fromBuild(env, hostname) ?? live),
    authEndpoint: `${endpoints}/auth`,
    auth: { headers },
    userAuthentication: { endpoint: `${endpoints}/user-auth`, headers },
  };
}

function fromBuild(env: BuildVariables, hostname: string): LiveOptions | null {
  const key = env.NEXT_PUBLIC_PUSHER_APP_KEY;
  if (!key) return null;
  if (env.NEXT_PUBLIC_PUSHER_PORT) {
    // the guide's option 2: a server of one's own, beside the page
    const port = Number(env.NEXT_PUBLIC_PUSHER_PORT);
    return {
      broadcaster: "pusher",
      key,
      cluster: "", // pusher-js wants one, and uses it only where there is no host
      wsHost: hostname,
      wsPort: port,
      wssPort: port,
      forceTLS: false,
      disableStats: true,
      enabledTransports: ["ws", "wss"],
    };
  }
  // its option 1: Pusher
  return { broadcaster: "pusher", key, cluster: env.NEXT_PUBLIC_PUSHER_APP_CLUSTER ?? "mt1", forceTLS: true };
}
