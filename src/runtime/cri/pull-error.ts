import { registryOf } from '../image-reference.ts'
import { ImagePullFailed } from '../runtime.ts'

/**
 * Turns a runtime's account of a failed pull into: what is wrong, what the registry said, and one thing to do.
 * The account itself is no cause of it: all that it says is said.
 */
export function explainPull(image: string, details: string): ImagePullFailed {
  const evidence = shorten(details, image)
  const registry = registryOf(image)
  const { why = evidence, hint, registryAway = false } = judge(details, registry, image)
  return new ImagePullFailed(image, why === evidence ? why : `${why} (${evidence})`, {
    registryAway,
    ...(hint ? { hint } : {}),
  })
}

interface Judgement {
  why?: string
  hint?: string
  /** Others who have the image may help. */
  registryAway?: boolean
}

function judge(details: string, registry: string, image: string): Judgement {
  /** Whether the registry answered with this status; ports, addresses and digests have such digits too. */
  const says = (status: number) => new RegExp(`(?<![\\w.:/@-])${status}(?![\\w.:])`).test(details)
  const elsewhere = otherAddress(details, registry)
  if (
    /connection refused|no route to host|network is unreachable|i\/o timeout|context deadline exceeded|TLS handshake timeout|EOF$/.test(
      details,
    )
  )
    return {
      why: `registry ${registry} does not answer${elsewhere ? ` at ${elsewhere}` : ''}`,
      hint: `See whether it is up and reachable from this node: curl -v ${elsewhere ?? `https://${registry === 'docker.io' ? 'registry-1.docker.io' : registry}`}/v2/`,
      registryAway: true,
    }
  if (/no such host|server misbehaving|Temporary failure in name resolution/.test(details))
    return {
      why: `registry ${registry} has no address`,
      hint: 'Check the image name for typing errors, and the DNS of this node.',
      registryAway: true,
    }
  if (says(401) || /no basic auth credentials|unauthorized|authentication required/i.test(details))
    return {
      why: `registry ${registry} wants a login, or refused the one given`,
      hint: "Create a secret of type kubernetes.io/dockerconfigjson and name it in the pod's imagePullSecrets.",
    }
  if (says(403) || /insufficient_scope|access denied|denied:|authorization failed/i.test(details))
    return {
      why: `registry ${registry} does not let this login pull the image, or there is no such image`,
      hint: 'Check the image name, and that the login of imagePullSecrets may read it.',
    }
  if (says(429) || /toomanyrequests/i.test(details))
    return {
      why: `registry ${registry} has had too many requests from here`,
      hint: 'Log in with imagePullSecrets, or set up a mirror.',
      registryAway: true,
    }
  if (/no match for platform|no matching manifest|does not match the specified platform/.test(details))
    return {
      why: `the image has no variant for this node's processor (${process.arch})`,
      hint: 'Build the image for this architecture as well.',
    }
  if (/x509|certificate/.test(details))
    return {
      why: `the certificate of registry ${registry} is not trusted`,
      hint: 'Add its CA to those that this node trusts (update-ca-certificates), and start the node again.',
    }
  if (/server gave HTTP response to HTTPS client/.test(details))
    return {
      why: `registry ${registry} speaks plain HTTP`,
      hint: `If you trust the network to it, start this node with --registry-mirror ${registry}=http://${registry}.`,
    }
  if (/no space left on device/.test(details))
    return {
      why: 'the disk of this node is full',
      hint: 'Free space below the data folder, or remove unused images.',
    }
  if (/invalid reference format|repository name must be lowercase|invalid tag|couldn't parse image/.test(details))
    return {
      why: 'this is not an image name',
      hint: 'Image names are lower case: [registry/]repository[:tag][@digest].',
    }
  if (/not found/i.test(details))
    return { why: `registry ${registry} has no such image`, hint: `Check the name and the tag: ${image}` }
  if (/50[0234] /.test(details))
    return {
      why: `registry ${registry} is in trouble`,
      hint: 'Try again later, or ask who runs it.',
      registryAway: true,
    }
  return {}
}

/** What was asked instead of the registry's own address: a mirror, or where it sends for layers. */
function otherAddress(details: string, registry: string): string | undefined {
  const [, base, host = ''] = /"(https?:\/\/([^/"]+))\//.exec(details) ?? []
  return host === registry || (registry === 'docker.io' && host.endsWith('.docker.io')) ? undefined : base
}

/** Without gRPC's wrapping and the steps that only repeat the image's name. */
function shorten(details: string, image: string): string {
  const parts = details.replace(/^rpc error: code = \w+ desc = /, '').split(/: (?=\w)/)
  const kept = parts.filter(
    part => !/^failed to (pull and unpack image|resolve reference|resolve image|do request|copy|fetch)/.test(part),
  )
  const text = (kept.length ? kept : parts).join(': ').trim()
  return text === `${image}: not found` ? 'not found' : text.slice(0, 500)
}
