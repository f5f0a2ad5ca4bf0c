import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  root: "page",
  // variables at build time, by the guide's names or Vite's: lib/options.ts reads them
  envDir: "..",
  envPrefix: ["NEXT_PUBLIC_", "VITE_"],
  plugins: [react()],
  build: { outDir: "../dist", emptyOutDir: true, chunkSizeWarningLimit: 700 },
});
