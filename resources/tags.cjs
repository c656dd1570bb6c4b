/** What queues, alarms and roles are tagged with, like the functions: osls tags its own resources alone. */
module.exports = [
  { Key: 'service', Value: '${self:service}' },
  { Key: 'stage', Value: '${sls:stage}' },
];
