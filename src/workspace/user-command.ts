/** The commands of users, in the order in which `can` lists them. */
export const userCommands = ['start', 'stop', 'restart', 'update', 'delete'] as const
export type UserCommand = (typeof userCommands)[number]
