// Laravel Echo on pusher-js, connected as the server said.
import Echo from "laravel-echo";
import Pusher from "pusher-js";

export function connect(base, token, settings) {
  const { hostname, port, protocol } = new URL(base);
  const here = { wsHost: hostname, wsPort: port || 80, wssPort: port || 443, forceTLS: protocol === "https:" };
  const where = { ...here, ...settings };
  return new Echo({
    broadcaster: "pusher",
    Pusher,
    cluster: "", // pusher-js insists on one, and uses it only where there is no host
    ...where,
    enabledTransports: [where.forceTLS ? "wss" : "ws"], // and nothing else when that fails
    authEndpoint: `${base}/broadcasting/auth`,
    bearerToken: token,
    // Echo writes the token into these. Left out, they are objects that all its instances share.
    auth: { headers: {} },
    userAuthentication: { headers: {} },
  });
}
