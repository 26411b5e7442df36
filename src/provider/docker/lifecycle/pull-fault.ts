import type { Fault } from '../../../workspace/fault.ts'
import type { RegistryCredentials } from '../engine/registry-credentials.ts'

// The registry has refused. Another attempt gets the same answer.
const deniedPattern =
  /not found|denied|unauthorized|authentication required|manifest unknown|no matching manifest|invalid reference|repository name not known|no basic auth|forbidden/i
const untrustedPattern = /x509|certificate/i
// The registry did not answer, or not now. Includes `lookup … no such host`, since a name server may be down as well.
const unreachablePattern =
  /no answer|dial tcp|lookup |no such host|timeout|timed out|deadline exceeded|connection re(fused|set)|TLS handshake|unexpected EOF|: EOF|toomanyrequests|too many requests|received unexpected HTTP status: 5\d\d|server (error|misbehaving)|network is unreachable|no route to host|temporar/i

/**
 * Classifies a failed pull. `status` is that of the engine's response; `null` if the reason came in the stream after a
 * 200. The message names the image and the engine's reason.
 */
export function pullFault(
  image: string,
  reason: string,
  status: number | null,
  credentials: RegistryCredentials,
): Fault {
  const message = `The image ${image} cannot be pulled: ${reason.trim().replace(/\.$/, '')}.`
  if (untrustedPattern.test(reason)) {
    return { kind: 'permanent', message: `${message} The engine does not trust the registry's certificate.` }
  }
  if (unreachablePattern.test(reason)) return { kind: 'transient', message }
  if (deniedPattern.test(reason)) return { kind: 'permanent', message: `${message} ${advice(reason, credentials)}` }
  return { kind: status !== null && status >= 400 && status < 500 ? 'permanent' : 'transient', message }
}

function advice(reason: string, { authconfig, credentialHelper }: RegistryCredentials): string {
  if (!/denied|unauthorized|authentication|no basic auth|forbidden/i.test(reason)) return 'Check its name and tag.'
  if (credentialHelper !== null && authconfig === null) {
    return `Check its name. If it is private, pull it with "docker pull" or store the login in config.json (auths): the credential helper "${credentialHelper}" is not supported.`
  }
  return 'Check its name. If it is private, run "docker login" as the user of this service, or pull it with "docker pull".'
}
