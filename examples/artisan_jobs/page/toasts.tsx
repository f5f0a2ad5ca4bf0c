export interface Toast {
  id: string;
  title: string;
  description: string;
}

export function Toasts({ toasts, onDismiss }: { toasts: Toast[]; onDismiss: (id: string) => void }) {
  return (
    <div className="toasts" role="status" aria-live="polite">
      {toasts.map(({ id, title, description }) => (
        <div key={id} className="toast">
          <strong>{title}</strong>
          <button type="button" className="quiet" aria-label="Dismiss" onClick={() => onDismiss(id)}>
            ×
          </button>
          {description && <p>{description}</p>}
        </div>
      ))}
    </div>
  );
}
