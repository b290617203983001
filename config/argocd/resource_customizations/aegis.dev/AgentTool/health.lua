-- Health of an AgentTool. Uses no library: Argo CD opens none for scripts from argocd-cm.

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

return health("Healthy", text(ready.message, "Ready"))
