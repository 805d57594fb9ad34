// Node-RED as a plant's HMI: it shows the line and cannot be edited. It writes nothing and asks nothing outside the line.
const path = require('node:path');
const tags = require('./tags');

module.exports = {
  // Both address families, as the declared flows have it.
  uiHost: '::',
  uiPort: 8080,
  flowFile: path.join(__dirname, 'flows.json'),
  httpStatic: path.join(__dirname, 'page'),
  // No editor and no admin interface: a person who reaches an HMI over the network must not be able to change its program.
  httpAdminRoot: false,
  disableEditor: true,
  readOnly: true,
  credentialSecret: false,
  functionExternalModules: false,
  externalModules: {
    autoInstall: false,
    palette: { allowInstall: false, allowUpload: false },
    modules: { allowInstall: false },
  },
  telemetry: { enabled: false, updateNotification: false },
  diagnostics: { enabled: false, ui: false },
  runtimeState: { enabled: false, ui: false },
  logging: { console: { level: 'info', metrics: false, audit: false } },
  // The function nodes of flows.json find the line's tags here.
  functionGlobalContext: { tags },
};
