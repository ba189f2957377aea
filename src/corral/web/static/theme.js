// Runs before the first paint, so that a chosen theme does not flash the other one.
try {
  const { theme } = JSON.parse(localStorage.getItem('corral.settings') || '{}');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage that is refused or broken means the system's theme.
}
