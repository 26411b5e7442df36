import type { Guest } from '../../../src/provider/guest.ts'
import { fault } from '../../../src/workspace/fault.ts'

const unsupported = async () => fault('permanent', 'There is nothing inside an imitated workspace.')

/** The inside of a workspace that is imitated: whatever is asked of it is a fault. */
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
