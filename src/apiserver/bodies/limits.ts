/** Largest request body, in bytes. */
export const maxBodyBytes = 3 * 1024 * 1024
