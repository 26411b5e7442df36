import { BlockList, isIP } from 'node:net'

/** An address to listen on. */
export interface BindAddress {
  /** A host name or an address, without brackets. */
  readonly host: string
  /** 0–65535; 0 picks a free port. */
  readonly port: number
}

/** A CIDR range, in the form that `BlockList.addSubnet` takes. */
export interface AddressRange {
  readonly address: string
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
}

const hostName = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i

/** Parses `host:port` or `[address]:port`; `undefined` for anything else. */
export function parseBindAddress(text: string): BindAddress | undefined {
  const { bracketed, bare, digits } =
    /^(?:\[(?<bracketed>[^\]%]+)\]|(?<bare>[^:[\]]+)):(?<digits>\d{1,5})$/.exec(text)?.groups ?? {}
  const host = bracketed ?? bare
  const port = Number(digits)
  if (host === undefined || port > 65_535) return undefined
  if (bracketed !== undefined) return isIP(bracketed) === 6 ? { host, port } : undefined
  // 127.0.0.300 would otherwise pass as a host name and be looked up in DNS.
  return isIP(host) === 4 || (hostName.test(host) && !/^[\d.]+$/.test(host)) ? { host, port } : undefined
}

/** Tells whether only this machine can reach `host`. Of all names only `localhost` counts: others may resolve differently later. */
export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === 'localhost') return true
  const loopback = new BlockList()
  loopback.addSubnet('127.0.0.0', 8, 'ipv4')
  loopback.addAddress('::1', 'ipv6')
  const family = isIP(host)
  return family !== 0 && loopback.check(host, family === 4 ? 'ipv4' : 'ipv6')
}

/**
 * Parses a comma-separated list of addresses and CIDR ranges; `undefined` if an item is invalid or the list is empty. Refuses `/0`, which
 * contains every address: a trusted proxy may claim to be any user.
 */
export function parseAddressRanges(text: string): readonly AddressRange[] | undefined {
  const ranges = text.split(',').map((part) => parseAddressRange(part.trim()))
  return ranges.every((range) => range !== undefined) ? ranges : undefined
}

function parseAddressRange(text: string): AddressRange | undefined {
  const { address, bits } = /^(?<address>[^/%]+)(?:\/(?<bits>\d{1,3}))?$/.exec(text)?.groups ?? {}
  const version = isIP(address ?? '')
  if (address === undefined || version === 0) return undefined
  const maxBits = version === 4 ? 32 : 128
  const prefix = bits === undefined ? maxBits : Number(bits)
  return prefix >= 1 && prefix <= maxBits ? { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' } : undefined
}
