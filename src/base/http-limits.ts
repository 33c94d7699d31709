/** Bytes of a request's first line and headers, as Go's servers read them: `exec` has its whole command in the address. */
export const maxHeadBytes = 2 ** 20
