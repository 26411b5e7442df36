import type { Guest } from '../../../src/provider/guest.ts'
import { fault } from '../../../src/workspace/fault.ts'

const unsupported = async () => fault('permanent', 'The fake engine has no guest.')

/** The guest of the fake engine: every call is a fault. */
export const unsupportedGuest: Guest = {
  exec: unsupported,
  killLeftover: unsupported,
  files: {
    stat: unsupported,
    list: unsupported,
    read: unsupported,
    write: unsupported,
    makeDirectory: unsupported,
    move: unsupported,
    remove: unsupported,
    pack: unsupported,
    unpack: unsupported,
  },
  logs: unsupported,
}
