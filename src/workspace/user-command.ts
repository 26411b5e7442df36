export const userCommands = ['start', 'stop', 'restart', 'update', 'delete'] as const
export type UserCommand = (typeof userCommands)[number]
