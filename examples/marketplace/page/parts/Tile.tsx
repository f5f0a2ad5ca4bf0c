// In the place of a photograph: a color by the listing, which the style sheet knows, and its category.
const COLORS = 6;

export function Tile({ id, category, small = false }: { id: number; category: string; small?: boolean }) {
  return (
    <span className={`tile tile-${id % COLORS}${small ? " small" : ""}`} aria-hidden="true">
      {small ? category.slice(0, 1) : category}
    </span>
  );
}
