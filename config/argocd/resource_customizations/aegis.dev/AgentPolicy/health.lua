-- Health of an AgentPolicy. Uses no library: Argo CD opens none for scripts from argocd-cm.
-- A rollout takes days, so a policy that waits in its stage is healthy; only Stalled and a rollback are failures.

local function map(value)
  if type(value) == "table" then
    return value
  end
  return {}
end

local function text(value, otherwise)
  if type(value) == "string" and value ~= "" then
    return value
  end
  return otherwise
end

local metadata = map(obj.metadata)
local status = map(obj.status)

local function condition(name)
  for _, each in ipairs(map(status.conditions)) do
    if type(each) == "table" and each.type == name then
      return each
    end
  end
  return {}
end

local function health(code, message)
  return {status = code, message = message}
end

if metadata.deletionTimestamp ~= nil then
  return health("Progressing", "Waiting for deletion")
end
if type(status.observedGeneration) ~= "number" or status.observedGeneration ~= metadata.generation then
  return health("Progressing", "Waiting for aegis-operator")
end

local stalled = condition("Stalled")
if stalled.status == "True" then
  return health("Degraded", text(stalled.message, text(stalled.reason, "Stalled")))
end
local reconciling = condition("Reconciling")
if reconciling.status == "True" then
  return health("Progressing", text(reconciling.message, text(reconciling.reason, "Reconciling")))
end
local ready = condition("Ready")
if ready.status ~= "True" then
  return health("Progressing", text(ready.message, text(ready.reason, "Not ready yet")))
end

local rollout = map(status.rollout)
local complete = condition("RolloutComplete")
if complete.status == "False" then
  if complete.reason == "AwaitingApproval" or complete.reason == "Paused" then
    return health("Suspended", text(complete.message, complete.reason))
  end
  if complete.reason == "RolledBack" then
    return health("Degraded", text(complete.message, complete.reason))
  end
end

local stage = text(rollout.stage, nil)
if stage == nil then
  return health("Healthy", text(ready.message, "Ready"))
end
if stage == "Partial" and type(rollout.partialPercent) == "number" then
  stage = "Partial (" .. rollout.partialPercent .. "% of agents)"
end
if text(rollout.stageEnteredAt, nil) ~= nil then
  stage = stage .. " since " .. rollout.stageEnteredAt
end
return health("Healthy", stage)
