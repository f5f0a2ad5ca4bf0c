// Laravel Echo on pusher-js, connected as the server said.
import Echo from "laravel-echo";
import Pusher from "pusher-js";

export function connect(base, token, settings) {
  return new Echo({
    Pusher,
    ...settings,
    authEndpoint: `${base}/broadcasting/auth`,
    bearerToken: token,
    // Echo writes the token into these. Left out, they are objects that all its instances share.
    auth: { headers: {} },
    userAuthentication: { headers: {} },
  });
}
