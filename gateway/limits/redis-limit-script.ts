/**
 * The shared store's side, as one script, so that each of reserve, settle and release is one atomic round trip.
 * It does what Tally and the memory store do; docs/limits.md describes both. All keys of a call share one hash tag.
 *
 * Keys of one tenant:
 *   counter (hash)   b<first> = last:amount     a slice of time and what was charged in it
 *                    h<unit>  = lease:at:amount held and not settled; given back once the lease has passed
 *                    k longest window seen · z first of the newest slice · c number of slices · m latest time seen
 *                    w, t, n  the sum t for the window w, good before n
 *   operation (hash) e no attempt joins from then on · p attempts are no longer counted · a<hold> an attempt
 *                    c<counter> = unit:at:amount:settled:lease
 *   mark (string)    the hold was settled; lives as long as a lease
 *
 * Times are milliseconds of the server's clock, never less than a counter has seen. Amounts are decimal text, counted in
 * limbs of 14 digits, because numbers in Lua are doubles.
 */
export const LIMIT_SCRIPT = `
local DAY = 86400000
local PERIODS = {hour = 3600000, day = DAY, week = 7 * DAY, month = 31 * DAY}
local SLICES, MOST_SLICES, MOST_ATTEMPTS = 60, 256, 64
local DIGITS, BASE = 14, 1e14

local function big(text)
  local limbs = {}
  for stop = #text, 1, -DIGITS do
    limbs[#limbs + 1] = tonumber(string.sub(text, math.max(1, stop - DIGITS + 1), stop), 10)
  end
  return limbs
end

local function plain(limbs)
  local top = #limbs
  while top > 1 and limbs[top] == 0 do top = top - 1 end
  local parts = {string.format('%.0f', limbs[top])}
  for i = top - 1, 1, -1 do parts[#parts + 1] = string.format('%014.0f', limbs[i]) end
  return table.concat(parts)
end

local function compare(a, b)
  for i = math.max(#a, #b), 1, -1 do
    local x, y = a[i] or 0, b[i] or 0
    if x ~= y then return x < y and -1 or 1 end
  end
  return 0
end

local function plus(a, b)
  local sum, carry = {}, 0
  for i = 1, math.max(#a, #b) do
    local limb = (a[i] or 0) + (b[i] or 0) + carry
    carry = limb >= BASE and 1 or 0
    sum[i] = limb - carry * BASE
  end
  if carry == 1 then sum[#sum + 1] = 1 end
  return sum
end

-- never below zero
local function minus(a, b)
  if compare(a, b) <= 0 then return {0} end
  local rest, borrow = {}, 0
  for i = 1, #a do
    local limb = a[i] - (b[i] or 0) - borrow
    borrow = limb < 0 and 1 or 0
    rest[i] = limb + borrow * BASE
  end
  return rest
end

local function ms(number) return string.format('%.0f', number) end

local function monthOf(at)
  local days, year, month = math.floor(at / DAY), 1970, 1
  local start = 0
  local function leap() return year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0) end
  while days - start >= (leap() and 366 or 365) do
    start = start + (leap() and 366 or 365)
    year = year + 1
  end
  local lengths = {31, leap() and 29 or 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}
  while days - start >= lengths[month] do
    start = start + lengths[month]
    month = month + 1
  end
  return start * DAY, (start + lengths[month]) * DAY
end

local function periodOf(unit, at)
  if unit == 'month' then return monthOf(at) end
  local length, origin = PERIODS[unit], unit == 'week' and 4 * DAY or 0
  local start = math.floor((at - origin) / length) * length + origin
  return start, start + length
end

local function windowOf(text)
  local rest = string.sub(text, 2)
  if string.sub(text, 1, 1) == 's' then return {text = text, length = tonumber(rest)} end
  return {text = text, unit = rest, length = PERIODS[rest]}
end

local function countsUntil(window, at)
  if not window.unit then return at + window.length end
  local _, stop = periodOf(window.unit, at)
  return stop
end

local function sliceStart(window, at)
  if window.unit then return (periodOf(window.unit, at)) end
  local width = math.max(1, math.ceil(window.length / SLICES))
  return math.floor(at / width) * width
end

local command, clock, lease, hold, count = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
local now
if clock == '' then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
else
  now = tonumber(clock)
end

local function later(seen)
  if seen and tonumber(seen) > now then now = tonumber(seen) end
end

local function hashOf(key)
  local fields, all = {}, redis.call('HGETALL', key)
  for i = 1, #all, 2 do fields[all[i]] = all[i + 1] end
  return fields
end

-- reads a whole counter: slices in their order, what is held, whether there is anything
local function scan(counter)
  counter.slices, counter.holds = {}, {}
  local all = redis.call('HGETALL', counter.key)
  for i = 1, #all, 2 do
    local kind, name = string.sub(all[i], 1, 1), string.sub(all[i], 2)
    if kind == 'b' then
      local last, amount = string.match(all[i + 1], '^(%d+):(%d+)$')
      table.insert(counter.slices, {first = tonumber(name), last = tonumber(last), amount = big(amount)})
    elseif kind == 'h' then
      local stop, at, amount = string.match(all[i + 1], '^(%d+):(%d+):(%d+)$')
      counter.holds[name] = {lease = tonumber(stop), at = tonumber(at), amount = big(amount)}
    end
  end
  table.sort(counter.slices, function(a, b) return a.first < b.first end)
  return #all > 0
end

local function keepSlice(counter, slice)
  redis.call('HSET', counter.key, 'b' .. ms(slice.first), ms(slice.last) .. ':' .. plain(slice.amount))
end

-- from a scanned counter
local function takeBack(counter, at, amount)
  for _, slice in ipairs(counter.slices) do
    if slice.first <= at and at <= slice.last then
      slice.amount = minus(slice.amount, amount)
      keepSlice(counter, slice)
      redis.call('HDEL', counter.key, 'w')
      return
    end
  end
end

-- the older half in pairs
local function join(counter)
  local joined = {}
  for i, slice in ipairs(counter.slices) do
    local left = joined[#joined]
    if i <= MOST_SLICES / 2 and i % 2 == 0 then
      left.last, left.amount = slice.last, plus(left.amount, slice.amount)
      redis.call('HDEL', counter.key, 'b' .. ms(slice.first))
      keepSlice(counter, left)
    else
      joined[#joined + 1] = slice
    end
  end
  counter.slices = joined
end

-- gives back what lapsed, forgets what counts for nobody, and adds up
local function total(counter)
  local window = counter.window
  if counter.cached == window.text and now < counter.good then return big(counter.sum) end
  local there = scan(counter)
  local good = math.huge
  for unit, held in pairs(counter.holds) do
    if held.lease <= now then
      takeBack(counter, held.at, held.amount)
      redis.call('HDEL', counter.key, 'h' .. unit)
    else
      good = math.min(good, held.lease)
    end
  end
  local kept, sum = {}, {0}
  for _, slice in ipairs(counter.slices) do
    if slice.last + counter.keep <= now then
      redis.call('HDEL', counter.key, 'b' .. ms(slice.first))
    else
      kept[#kept + 1] = slice
      local stop = countsUntil(window, slice.last)
      if stop > now then
        sum = plus(sum, slice.amount)
        good = math.min(good, stop)
      end
    end
  end
  counter.slices, counter.size = kept, #kept
  counter.cached, counter.good = window.text, good
  if there then
    redis.call('HSET', counter.key, 'w', window.text, 't', plain(sum), 'n', good == math.huge and '0' or ms(good),
      'c', ms(#kept))
    if redis.call('PTTL', counter.key) < 0 then redis.call('PEXPIRE', counter.key, ms(counter.keep + lease + 1000)) end
  end
  return sum
end

local function wait(counter, needed)
  if not counter.slices then scan(counter) end
  local freed = {0}
  for _, slice in ipairs(counter.slices) do
    local stop = countsUntil(counter.window, slice.last)
    if stop > now then
      freed = plus(freed, slice.amount)
      if compare(freed, needed) >= 0 then return math.max(1, stop - now) end
    end
  end
  return math.max(1, countsUntil(counter.window, now) - now)
end

local function live(counter)
  redis.call('PEXPIRE', counter.key, ms(counter.keep + lease + 1000))
end

local function add(counter)
  local window = counter.window
  local slice
  local value = counter.newest and redis.call('HGET', counter.key, 'b' .. counter.newest)
  if value then
    local last, amount = string.match(value, '^(%d+):(%d+)$')
    slice = {first = tonumber(counter.newest), last = tonumber(last), amount = big(amount)}
    if now > slice.last and slice.first < sliceStart(window, now) then slice = nil end
  end
  if slice then
    slice.last, slice.amount = math.max(slice.last, now), plus(slice.amount, counter.amount)
  else
    if counter.size >= MOST_SLICES then
      if not counter.slices then scan(counter) end
      join(counter)
      counter.size = #counter.slices
    end
    slice = {first = now, last = now, amount = counter.amount}
    counter.size = counter.size + 1
  end
  counter.keep = math.max(counter.keep, window.length)
  counter.total = plus(counter.total, counter.amount)
  local good = math.min(counter.good, countsUntil(window, now), now + lease)
  keepSlice(counter, slice)
  redis.call('HSET', counter.key, 'h' .. hold, ms(now + lease) .. ':' .. ms(now) .. ':' .. plain(counter.amount),
    'k', ms(counter.keep), 'z', ms(slice.first), 'c', ms(counter.size), 'm', ms(now),
    'w', window.text, 't', plain(counter.total), 'n', ms(good))
  live(counter)
end

local function readShare(fields, key)
  local unit, at, amount, settled, stop = string.match(fields['c' .. key] or '', '^([^:]+):(%d+):(%d+):([01]):(%d+)$')
  return unit and {unit = unit, at = at, amount = amount, settled = settled == '1', lease = tonumber(stop)}
end

local function keepShare(key, counterKey, share)
  redis.call('HSET', key, 'c' .. counterKey,
    share.unit .. ':' .. share.at .. ':' .. share.amount .. ':' .. (share.settled and '1' or '0') .. ':' .. ms(share.lease))
end

local function countAttempt(key, fields)
  if fields.p then return end
  local attempts = {}
  for name in pairs(fields) do
    if string.sub(name, 1, 1) == 'a' then attempts[#attempts + 1] = name end
  end
  if #attempts < MOST_ATTEMPTS then
    redis.call('HSET', key, 'a' .. hold, '1')
  else
    redis.call('HSET', key, 'p', '1')
    redis.call('HDEL', key, unpack(attempts))
  end
end

-- per counter: window, max, amount, kind (r or b, then o where it only counts)
local function reserve()
  local remembered = tonumber(ARGV[6])
  local operation = remembered > 0 and KEYS[count + 1] or nil
  local counters = {}
  for i = 1, count do
    local at = 7 + (i - 1) * 4
    local v = redis.call('HMGET', KEYS[i], 'm', 'k', 'z', 'c', 'w', 't', 'n')
    later(v[1])
    counters[i] = {
      key = KEYS[i], keep = tonumber(v[2] or '0'), newest = v[3], size = tonumber(v[4] or '0'),
      cached = v[5], sum = v[6], good = tonumber(v[7] or '0'),
      window = windowOf(ARGV[at]), max = big(ARGV[at + 1]), text = ARGV[at + 2], amount = big(ARGV[at + 2]),
      budget = string.sub(ARGV[at + 3], 1, 1) == 'b', only = string.sub(ARGV[at + 3], 2, 2) == 'o',
    }
  end
  local fields = operation and hashOf(operation) or {}
  if fields.e and now >= tonumber(fields.e) then fields = {} end
  local refused, alive = {0, now}, false
  for i, counter in ipairs(counters) do
    counter.total = total(counter)
    local share = operation and counter.budget and counter.text ~= '0' and readShare(fields, counter.key)
    if share and (share.settled or share.lease > now) then
      counter.taken, alive = true, true
      if share.amount == counter.text then counter.share = share end
    end
    local sum = plus(counter.total, counter.amount)
    if not counter.share and not counter.only and compare(sum, counter.max) > 0 then
      refused[#refused + 1] = i
      refused[#refused + 1] = plain(minus(counter.max, counter.total))
      refused[#refused + 1] = wait(counter, minus(sum, counter.max))
    end
  end
  if #refused > 2 then return refused end
  if operation then
    -- what nobody settled in time begins anew
    if not alive then
      fields = {}
      redis.call('DEL', operation)
      redis.call('HSET', operation, 'e', ms(now + remembered))
      redis.call('PEXPIRE', operation, ms(remembered + lease + 1000))
    end
    countAttempt(operation, fields)
  end
  local granted = {1, now}
  for _, counter in ipairs(counters) do
    local unit, share = '', counter.share
    if share then
      unit = share.unit
      if not share.settled then
        share.lease = now + lease
        keepShare(operation, counter.key, share)
        local held = redis.call('HGET', counter.key, 'h' .. unit)
        if held then
          redis.call('HSET', counter.key, 'h' .. unit, (string.gsub(held, '^%d+', ms(share.lease))))
          live(counter)
        end
      end
    elseif counter.text ~= '0' then
      add(counter)
      if operation and counter.budget and not counter.taken then
        unit = hold
        keepShare(operation, counter.key,
          {unit = hold, at = ms(now), amount = counter.text, settled = false, lease = now + lease})
      end
    end
    granted[#granted + 1] = unit
    granted[#granted + 1] = plain(minus(counter.max, counter.total))
  end
  return granted
end

-- per counter: the unit that the operation is charged as, or nothing where the charge is the hold's own
local function settle()
  local mark, operation = KEYS[count + 1], KEYS[count + 2]
  local units, held = {}, {}
  for i = 1, count do
    units[i] = ARGV[5 + i]
    local v = redis.call('HMGET', KEYS[i], 'm', 'h' .. (units[i] == '' and hold or units[i]))
    later(v[1])
    held[i] = v[2]
  end
  local fields = operation and hashOf(operation) or {}
  local shares = {}
  for i = 1, count do
    local share = units[i] ~= '' and readShare(fields, KEYS[i])
    if share and share.unit == units[i] then shares[i] = share end
    local stop = held[i] and tonumber(string.match(held[i], '^%d+'))
    if not (stop and stop > now) and not (shares[i] and shares[i].settled) then return {0} end
  end
  for i = 1, count do
    redis.call('HDEL', KEYS[i], 'h' .. (units[i] == '' and hold or units[i]))
    if shares[i] and not shares[i].settled then
      shares[i].settled = true
      keepShare(operation, KEYS[i], shares[i])
    end
  end
  redis.call('SET', mark, '1', 'PX', ms(lease))
  return {1}
end

-- of all charges or of budgets only; the hold is known to be settled (yes), not settled (no), or it is not known.
-- per counter: unit, kind, when, amount
local function release()
  local mark, operation = KEYS[count + 1], KEYS[count + 2]
  local all, settled = ARGV[6] == 'all', ARGV[7]
  local spent = settled == 'yes' or (settled == 'unsure' and redis.call('EXISTS', mark) == 1)
  local fields, last = {}, false
  if operation then
    fields = hashOf(operation)
    if fields['a' .. hold] then
      redis.call('HDEL', operation, 'a' .. hold)
      last = true
      for name in pairs(fields) do
        if string.sub(name, 1, 1) == 'a' and name ~= 'a' .. hold then last = false end
      end
    end
  end
  for i = 1, count do
    local at = 8 + (i - 1) * 4
    local unit, kind = ARGV[at], ARGV[at + 1]
    local counter = {key = KEYS[i]}
    if unit == '' and (all or kind == 'b') then
      local held = redis.call('HDEL', KEYS[i], 'h' .. hold) == 1
      if held or spent then
        scan(counter)
        takeBack(counter, tonumber(ARGV[at + 2]), big(ARGV[at + 3]))
      end
    elseif unit ~= '' and last then
      local share = readShare(fields, KEYS[i])
      local held = redis.call('HDEL', KEYS[i], 'h' .. unit) == 1
      -- neither: it lapsed, and was given back by another call
      if share and share.unit == unit and (held or share.settled) then
        scan(counter)
        takeBack(counter, tonumber(share.at), big(share.amount))
      end
    end
  end
  if last then redis.call('DEL', operation) end
  redis.call('DEL', mark)
  return {1}
end

if command == 'reserve' then return reserve() end
if command == 'settle' then return settle() end
return release()
`;
