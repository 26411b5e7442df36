import type { Fault } from '../../../workspace/fault.ts'
import type { RegistryCredentials } from '../engine/registry-credentials.ts'

// A registry that answered and said no. Another try gets the same answer.
const deniedPattern =
  /not found|denied|unauthorized|authentication required|manifest unknown|no matching manifest|invalid reference|repository name not known|no basic auth|forbidden/i
const untrustedPattern = /x509|certificate/i
// A registry that did not answer, or not now. `lookup … no such host` is here: a name server may be away as well.
const unreachablePattern =
  /no answer|dial tcp|lookup |no such host|timeout|timed out|deadline exceeded|connection re(fused|set)|TLS handshake|unexpected EOF|: EOF|toomanyrequests|too many requests|received unexpected HTTP status: 5\d\d|server (error|misbehaving)|network is unreachable|no route to host|temporar/i

/**
 * Sorts what the engine said of a pull that failed. `status` is that of its HTTP answer; `null`: the reason came in the
 * stream, after the engine had answered 200. Names the image and the engine's reason.
 */
export function pullFault(
  image: string,
  reason: string,
  status: number | null,
  credentials: RegistryCredentials,
): Fault {
  const message = `The image ${image} cannot be pulled: ${reason.trim().replace(/\.$/, '')}.`
  if (untrustedPattern.test(reason)) {
    return { kind: 'permanent', message: `${message} The engine does not trust its registry's certificate.` }
  }
  if (unreachablePattern.test(reason)) return { kind: 'transient', message }
  if (deniedPattern.test(reason)) return { kind: 'permanent', message: `${message} ${advice(reason, credentials)}` }
  return { kind: status !== null && status >= 400 && status < 500 ? 'permanent' : 'transient', message }
}

function advice(reason: string, credentials: RegistryCredentials): string {
  if (!/denied|unauthorized|authentication|no basic auth|forbidden/i.test(reason)) return 'Check its name and tag.'
  if (credentials.credentialHelper !== null && credentials.authconfig === null) {
    return `Check its name. If it is private: the credential helper "${credentials.credentialHelper}" is not supported; pull it by hand with "docker pull", or store the login in config.json (auths).`
  }
  return 'Check its name. If it is private, "docker login" as the user that runs this service, or pull it by hand.'
}
