/** Pages of the service may load and call this service, and nothing else. */
export const pageContentSecurityPolicy = {
  'default-src': "'none'",
  'script-src': "'self'",
  'style-src': "'self'",
  'img-src': "'self' data:",
  'font-src': "'self' data:",
  'connect-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
}

/** The terminal of the console also writes inline styles. They cannot load anything from other origins. */
export const consoleContentSecurityPolicy = { ...pageContentSecurityPolicy, 'style-src': "'self' 'unsafe-inline'" }
