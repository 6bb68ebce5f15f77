package broker

func (b *Broker) compactAtStart(data string) error { return nil }
