const split = (list) => (list === '' || list === 'none' ? [] : list.split(','));

/**
 * The alarms that undo a deployment, from the stage parameter `rollbackAlarmArns`. CloudFormation fails a deployment that
 * names an alarm which is not there, so a stack's first deployment can't name its own alarms. It remembers the alarms of
 * the last deployment unless it is given others: an empty list makes it forget them.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_RollbackConfiguration.html
 */
module.exports = async ({ resolveVariable }) => ({
  RollbackTriggers: split(await resolveVariable('param:rollbackAlarmArns')).map((Arn) => ({
    Arn,
    Type: 'AWS::CloudWatch::Alarm',
  })),
  MonitoringTimeInMinutes: Number(await resolveVariable('param:rollbackMinutes')),
});
