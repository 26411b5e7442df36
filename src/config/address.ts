import { BlockList, isIP } from 'node:net'

/** Where to listen. */
export interface BindAddress {
  /** A name or an address, without brackets. */
  readonly host: string
  /** 0–65535; 0 is any free port. */
  readonly port: number
}

/** Addresses that share their first `prefix` bits, in the form that `BlockList.addSubnet` takes. */
export interface AddressRange {
  readonly address: string
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
}

const hostName = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i

/** What `host:port` or `[address]:port` says; `undefined` if it is neither. */
export function parseBindAddress(text: string): BindAddress | undefined {
  const { bracketed, bare, digits } =
    /^(?:\[(?<bracketed>[^\]%]+)\]|(?<bare>[^:[\]]+)):(?<digits>\d{1,5})$/.exec(text)?.groups ?? {}
  const host = bracketed ?? bare
  const port = Number(digits)
  if (host === undefined || port > 65_535) return undefined
  if (bracketed !== undefined) return isIP(bracketed) === 6 ? { host, port } : undefined
  // 127.0.0.300 would pass as a name and be asked of a name server.
  return isIP(host) === 4 || (hostName.test(host) && !/^[\d.]+$/.test(host)) ? { host, port } : undefined
}

/** Is only this machine able to reach it? A name counts only if it is `localhost`: what another one leads to may change. */
export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === 'localhost') return true
  const loopback = new BlockList()
  loopback.addSubnet('127.0.0.0', 8, 'ipv4')
  loopback.addAddress('::1', 'ipv6')
  const family = isIP(host)
  return family !== 0 && loopback.check(host, family === 4 ? 'ipv4' : 'ipv6')
}

/**
 * The ranges that a list with commas names, each an address or `address/bits`; `undefined` if one of them is neither, or none is there.
 * Zero bits are refused: that is everybody, and whoever is trusted here may claim to be any user.
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
