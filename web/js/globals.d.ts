/** What each page shows to tests and to a curious console. */
interface Window {
  pavilion: { state(): unknown; stats(): Record<string, number | string> };
}
