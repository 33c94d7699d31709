/** The base64 of a text's UTF-8 bytes; works in browsers too. */
export function textToBase64(text: string): string {
  let binary = ''
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte)
  return btoa(binary)
}

/** How many bytes a base64 text stands for. */
export function base64Length(text: string): number {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  return Math.max(0, Math.floor((text.length * 3) / 4) - padding)
}

/** The text whose UTF-8 bytes these are; '' for what is no base64. */
export function base64ToText(base64: string): string {
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(base64), char => char.charCodeAt(0)))
  } catch {
    return ''
  }
}
