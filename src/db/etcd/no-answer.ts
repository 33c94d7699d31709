/** Why there is no answer, and one thing to do about it. */
export interface NoAnswer {
  saw: string
  hint: string
}

interface Trouble {
  /** What the words of gRPC, OpenSSL or the system look like. */
  sign: RegExp
  saw(details: string, url: URL): string
  hint(url: URL): string
}

const at = (url: URL) => url.host

/** The first that fits tells. */
const troubles: readonly Trouble[] = [
  {
    sign: /ECONNREFUSED/,
    saw: (_, url) => `nobody listens at ${at(url)} (connection refused)`,
    hint: () => 'Start etcd, or correct its address in --store.',
  },
  {
    sign: /Name resolution failed|ENOTFOUND|EAI_AGAIN/,
    saw: (_, url) => `no address is found for the name ${url.hostname}`,
    hint: () => "Correct the name in --store, or mend this machine's DNS.",
  },
  {
    sign: /EHOSTUNREACH|ENETUNREACH|ETIMEDOUT/,
    saw: (details, url) => `no way leads to ${at(url)} (${/E[A-Z]{5,}/.exec(details)![0]})`,
    hint: () => 'Mend the route or the firewall between this machine and etcd.',
  },
  {
    sign: /wrong version number|packet length too long/,
    saw: () => 'it speaks without TLS',
    hint: url => `Write http://${at(url)} in --store, or give etcd a certificate.`,
  },
  {
    sign: /certificate required|bad certificate|alert number (42|46|116)/,
    saw: () => 'it wants a certificate of ours, and takes none or not this one',
    hint: () => 'Give one that its authority has signed: --etcd-cert and --etcd-key.',
  },
  {
    sign: /has expired|not yet valid/,
    saw: details =>
      /certificate (has expired|is not yet valid)/.exec(details)?.[0] ?? 'its certificate does not hold now',
    hint: () => "Renew etcd's certificate, or set the clocks of both machines right.",
  },
  {
    sign: /ALTNAME_INVALID/,
    saw: (_, url) => `its certificate is not for ${url.hostname}`,
    hint: () => 'Use a name in --store that the certificate has, or have one issued with this name.',
  },
  {
    sign: /unable to (verify|get)|self.signed/i,
    saw: () => 'its certificate is of an authority that we do not know',
    hint: () => "Give that authority's certificate with --etcd-ca.",
  },
  {
    sign: /Protocol error|Received HTTP status/,
    saw: (_, url) => `who listens at ${at(url)} is no etcd, or that is not its port for clients`,
    hint: () => 'Correct the address in --store: etcd has clients on 2379 unless told otherwise.',
  },
  {
    sign: /Cancelled on client|Deadline exceeded/i,
    saw: () => 'it took the request and was silent for 10 s',
    hint: () =>
      'See whether it has a leader and a disk that is fast enough: etcdctl endpoint status. A commit may have been carried out.',
  },
]

const neverConnected = /^No connection established\. Last error: (.*?)\.? *Resolution note: .*$/s

/**
 * What we saw of an etcd that does not answer, in words of one line.
 * @param details gRPC's
 * @param endpoint `https://10.0.0.1:2379`
 */
export function noAnswer(details: string, endpoint: string): NoAnswer {
  const url = new URL(endpoint)
  const found = troubles.find(({ sign }) => sign.test(details))
  if (found) return { saw: found.saw(details, url), hint: found.hint(url) }
  const inner = neverConnected.exec(details)?.[1]
  if (inner === undefined)
    return {
      saw: details.replace(/\s+/g, ' ').trim(),
      hint: 'Check that etcd runs and that its address and certificates are right. A commit may have been carried out.',
    }
  // A time is no part of what happened.
  const words = inner
    .replace(/\s*\(\d{4}-\d\d-\d\dT[^)]*\)/, '')
    .replace(/\s+/g, ' ')
    .trim()
  const saw = /^(null|Failed to connect)?$/.test(words) ? 'it ended the connection before a word was said' : words
  return {
    saw,
    hint:
      url.protocol === 'http:'
        ? `Look into etcd's log; if it wants TLS, write https://${at(url)} in --store.`
        : "Look into etcd's log.",
  }
}
