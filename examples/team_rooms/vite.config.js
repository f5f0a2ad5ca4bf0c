import react from "@vitejs/plugin-react";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = fileURLToPath(new URL(".", import.meta.url));
// `npm run dev` serves the page; everything else is asked of `python -m examples.team_rooms`.
const server = process.env.SERVER ?? "http://127.0.0.1:8000";

export default defineConfig({
  root: `${here}page`,
  envDir: here, // VITE_PUSHER_APP_KEY and VITE_PUSHER_APP_CLUSTER, in `.env` or the environment
  resolve: { alias: { "@": `${here}page` } },
  plugins: [react()],
  build: { outDir: `${here}dist`, emptyOutDir: true },
  server: { proxy: { "/api": server, "/broadcasting": server, "/ws": { target: server, ws: true } } },
});
