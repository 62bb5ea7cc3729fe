// Finds a Chromium on this machine.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

function runs(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The path of a Chromium: CHROMIUM (the word `none` means: use none), /usr/bin/chromium, or the first one on PATH; null when there is none. */
export function findChromium(environment = process.env) {
  if (environment.CHROMIUM === 'none') return null;
  const folders = (environment.PATH ?? '').split(delimiter).filter(Boolean);
  const places = [environment.CHROMIUM, '/usr/bin/chromium', ...NAMES.flatMap((name) => folders.map((folder) => join(folder, name)))];
  return places.find((path) => path && runs(path)) ?? null;
}
