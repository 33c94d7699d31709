/** The server itself. What it writes as this very user does not wait for others outside, who may be gone for good. */
export const system = { username: 'system:apiserver', groups: ['system:masters'] }
