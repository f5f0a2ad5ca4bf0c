import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// Django serves what is built as its static files.
export default defineConfig({
  base: "/static/",
  plugins: [react()],
  build: { outDir: "../dist", emptyOutDir: true, modulePreload: { polyfill: false } },
});
