// Small drawn signs, so that no emoji font is needed.

export const EyeIcon = () => (
  <svg className="icon" viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.4" aria-hidden="true">
    <path d="M1.2 8S3.7 3.6 8 3.6 14.8 8 14.8 8 12.3 12.4 8 12.4 1.2 8 1.2 8Z" />
    <circle cx="8" cy="8" r="2.1" />
  </svg>
);

export const WarningIcon = () => (
  <svg className="icon" viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.4" strokeLinejoin="round" aria-hidden="true">
    <path d="M8 1.8 15 14H1L8 1.8Z" />
    <path d="M8 6v4M8 11.6v.6" strokeLinecap="round" />
  </svg>
);
