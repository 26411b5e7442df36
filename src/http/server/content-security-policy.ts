/** What a page of the service may do: load and call this service, and nothing else. */
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

/** What the console may do besides: its terminal writes styles as it goes. They can load nothing from elsewhere. */
export const consoleContentSecurityPolicy = { ...pageContentSecurityPolicy, 'style-src': "'self' 'unsafe-inline'" }
