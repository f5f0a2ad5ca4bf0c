// Version 2 comes without types, and Echo alone uses it.
declare module "socket.io-client" {
  const io: unknown;
  export default io;
}

// The variables of a build: lib/options.ts says what they do.
interface ImportMetaEnv {
  readonly NEXT_PUBLIC_API_URL?: string;
  readonly NEXT_PUBLIC_PUSHER_APP_KEY?: string;
  readonly NEXT_PUBLIC_PUSHER_APP_CLUSTER?: string;
  readonly NEXT_PUBLIC_PUSHER_PORT?: string;
}
