package organisation

// whole says whether the rules are planted that the engine is still learning.
const whole = true
