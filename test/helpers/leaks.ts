/** A text as it stands, and as an encoding would hide it: base64 at each of its three alignments, hex, URL. */
function guises(text: string): string[] {
  const base64 = [0, 1, 2].map((offset) => {
    const encoded = Buffer.from('\0'.repeat(offset) + text).toString('base64');
    // Characters that also depend on the neighbours are left out.
    return encoded.slice(offset === 0 ? 0 : 4, Math.floor((encoded.length - 4) / 4) * 4);
  });
  return [text, ...base64, Buffer.from(text).toString('hex'), encodeURIComponent(text).replaceAll('-', '%2D')];
}

/** The secrets that some printed text gives away, in whatever guise. */
export function leaks(printed: string, secrets: readonly string[]): string[] {
  return secrets.filter((secret) => guises(secret).some((guise) => printed.includes(guise)));
}
