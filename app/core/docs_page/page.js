// Tokens stay in this page's memory (persistAuthorization: false): clinics share computers.
window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  tryItOutEnabled: true,
  filter: true,
  docExpansion: "list",
  defaultModelsExpandDepth: -1,
  displayRequestDuration: true,
  persistAuthorization: false,
  validatorUrl: null,
  oauth2RedirectUrl: `${location.origin}/docs/oauth2-redirect.html`,
  presets: [SwaggerUIBundle.presets.apis],
});
// Authorize leads to this server's own sign-in page. The client is public: PKCE takes the place of a secret.
window.ui.initOAuth({ clientId: "docs", usePkceWithAuthorizationCodeGrant: true });
